console.log("effect-dcr: the main job is not here yet")
