import { type NodePath, type PluginObj, transformAsync, types } from "@babel/core"
import { readFile, writeFile } from "node:fs/promises"
import { basename } from "node:path"

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

/** Marks what has no effects at the top of a built module, so that a bundler drops what nobody uses. */
export const annotate = async (file: string): Promise<void> => {
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
