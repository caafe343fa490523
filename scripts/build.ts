/**
 * Builds every package into its `dist`:
 *
 * 1. `tsc -b`.
 * 2. A pure-call annotation before every call at the top of a module. Bundlers keep an unannotated call such as
 *    `Schema.TaggedError(...)(...)` even if nobody uses its result, and with it everything that it reaches (one unused error
 *    class costs 70 KB).
 * 3. The modules that a first registration loads are gathered in one file, `internal/registration.js`, because Node takes
 *    longer to find and open seventy files than to read them (`npm run bench -- cold-start`). The modules themselves stay
 *    where they are and hand on what is in there.
 */
import { type NodePath, type PluginObj, transformAsync, types } from "@babel/core"
import { build, type BuildOptions } from "esbuild"
import { globSync } from "node:fs"
import { readFile, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join, posix } from "node:path"
import { at, packages } from "./support/paths.ts"
import { main, must } from "./support/run.ts"
import { tools } from "./support/tools.ts"

/** The modules with which a registration begins; what they import is loaded with them. */
const first: Readonly<Record<typeof packages[number], ReadonlyArray<string>>> = {
  core: ["AuthorizationServer", "ClientRegistration", "DpopSigner"],
  "platform-node": ["NodeRegistration"],
  "platform-browser": ["BrowserRegistration"]
}

/** An expression that has no effects, said in the only way that a bundler believes: as a call that is annotated. */
const pure = (expression: types.Expression): types.Expression =>
  types.addComment(
    types.callExpression(types.arrowFunctionExpression([], expression), []),
    "leading",
    "#__PURE__"
  )

const spreads = (parts: ReadonlyArray<types.Node | null>): boolean => parts.some((part) => types.isSpreadElement(part))

/** Whether it is evaluated with the module, and where an arrow function can stand around it. */
const isAtTop = (path: NodePath): boolean => {
  let awaits = false
  path.traverse({ AwaitExpression: () => void (awaits = true) })
  return !awaits && path.getFunctionParent() === null
}

/** What is static is evaluated with the class, and may be there for its effects. */
const hasStatics = ({ body }: types.ClassBody): boolean =>
  body.some((part) => types.isStaticBlock(part) || (types.isClassProperty(part) && part.static === true))

/** What `annotate-pure-calls` leaves: to spread a value, to write it into a text and to extend a class may have effects as well. */
const annotatePureExpressions: PluginObj = {
  visitor: {
    ArrayExpression(path) {
      if (spreads(path.node.elements) && isAtTop(path)) path.replaceWith(pure(path.node))
    },
    ObjectExpression(path) {
      if (spreads(path.node.properties) && isAtTop(path)) path.replaceWith(pure(path.node))
    },
    TemplateLiteral(path) {
      const isTagged = path.parentPath.isTaggedTemplateExpression()
      if (path.node.expressions.length > 0 && !isTagged && isAtTop(path)) path.replaceWith(pure(path.node))
    },
    ClassDeclaration(path) {
      const { body, id, superClass } = path.node
      const isNamed = !path.parentPath.isExportDefaultDeclaration()
      if (!id || !superClass || hasStatics(body) || !isNamed || !isAtTop(path)) return
      const made = pure(types.classExpression(id, superClass, body))
      path.replaceWith(types.variableDeclaration("const", [types.variableDeclarator(id, made)]))
    }
  }
}

const annotate = async (file: string): Promise<void> => {
  const result = await transformAsync(await readFile(file, "utf8"), {
    babelrc: false,
    configFile: false,
    compact: false,
    filename: file,
    // babel finds the map that tsc wrote through the comment at the end of the file, so the new one leads to the source
    plugins: ["annotate-pure-calls", annotatePureExpressions],
    sourceMaps: true
  })
  if (typeof result?.code !== "string" || !result.map) throw new Error(`${file}: nothing came back from babel`)
  await writeFile(file, `${result.code}\n//# sourceMappingURL=${basename(file)}.map\n`)
  await writeFile(`${file}.map`, JSON.stringify({ ...result.map, file: basename(file) }))
}

/** One entry point that hands on everything that is exported by the modules, by names that tell where it comes from. */
const gathered = (exports: ReadonlyMap<string, ReadonlyArray<string>>): string =>
  [...exports].map(([module, names]) =>
    `export { ${names.map((name) => `${name} as ${unique(module, name)}`).join(", ")} } from "./${module}.js"\n`
  ).join("")

const unique = (module: string, name: string): string => `${module.replaceAll("/", "_")}_${name}`

const gather = async (name: typeof packages[number]): Promise<void> => {
  const dist = at("packages", name, "dist")
  const options = {
    absWorkingDir: dist,
    bundle: true,
    format: "esm",
    logLevel: "silent",
    metafile: true,
    outdir: ".",
    packages: "external",
    platform: "neutral",
    sourcemap: true,
    sourcesContent: false,
    target: "es2023",
    write: false
  } as const satisfies BuildOptions
  const entryPoints = first[name].map((module) => `${module}.js`)
  const loaded = Object.keys((await build({ ...options, entryPoints })).metafile.inputs)
  // each by itself, and bundled: only then it is known what a module hands on by `export *`
  const alone = await build({ ...options, entryPoints: loaded })
  const exports = new Map(
    Object.entries(alone.metafile.outputs).filter(([file]) => file.endsWith(".js"))
      .map(([file, output]) => [file.slice(0, -".js".length), output.exports] as const)
  )
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: gathered(exports), resolveDir: dist },
    entryNames: "internal/registration"
  })
  for (const { path, contents } of outputFiles) await writeFile(path, contents)
  for (const [module, names] of exports) {
    const from = posix.relative(dirname(module), "internal/registration.js")
    const list = names.map((name) => `${unique(module, name)} as ${name}`).join(", ")
    await writeFile(
      join(dist, `${module}.js`),
      `export { ${list} } from "${from.startsWith(".") ? from : `./${from}`}";\n`
    )
    await rm(join(dist, `${module}.js.map`))
  }
}

main(async () => {
  for (const name of packages) {
    await rm(at("packages", name, "dist"), { recursive: true, force: true })
  }
  await must(process.execPath, [tools.tsc, "-b", "--force", "tsconfig.build.json"])
  const files = packages.flatMap((name) => globSync(at("packages", name, "dist", "**", "*.js")))
  await Promise.all(files.map(annotate))
  await Promise.all(packages.map(gather))
  console.log(`built ${files.length} modules in ${packages.length} packages`)
})
