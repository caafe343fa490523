/**
 * Guards of schemas that say no more than a type: to run such a schema takes ten times as long, and most members have one.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { isStrings } from "./wordLists.ts"

type Guard = (value: unknown) => boolean

/** Whether a schema takes a value; for one that neither decodes nor fails in any other way. */
export const guardOf = (schema: Schema.Constraint): Guard => plainGuard(schema) ?? once(() => Schema.is(schema))

/** The guard of a schema of a string, a number, a boolean or a list of strings; none for any other. */
export const plainGuard = ({ ast }: Schema.Constraint): Guard | undefined =>
  isText(ast)
    ? isString
    : isUnchanged(ast) && SchemaAST.isBoolean(ast)
    ? isBoolean
    : isUnchanged(ast) && SchemaAST.isNumber(ast)
    ? isNumber
    : isUnchanged(ast) && SchemaAST.isArrays(ast) && ast.elements.length === 0 && ast.rest.every(isText)
    ? isStrings
    : undefined

/** Made when it is needed: to find the parser of a schema costs more than to run it, and most members are never seen. */
export const once = <A, B>(make: () => (input: A) => B): (input: A) => B => {
  let made: ((input: A) => B) | undefined
  return (input) => (made ??= make())(input)
}

/** Any text, also where some values are suggested (`Schema.StringForLiteralAutocomplete`). */
const isText = (ast: SchemaAST.AST): boolean =>
  isUnchanged(ast) &&
  (SchemaAST.isString(ast) || (SchemaAST.isUnion(ast) && ast.types.some(isText) && ast.types.every(isSomeText)))

const isSomeText = (ast: SchemaAST.AST): boolean =>
  isUnchanged(ast) &&
  (SchemaAST.isString(ast) || (SchemaAST.isLiteral(ast) && typeof ast.literal === "string") ||
    (SchemaAST.isUnion(ast) && ast.types.every(isSomeText)))

const isUnchanged = ({ checks, encoding }: SchemaAST.AST): boolean => checks === undefined && encoding === undefined

const isString = (value: unknown): boolean => typeof value === "string"

const isBoolean = (value: unknown): boolean => typeof value === "boolean"

const isNumber = (value: unknown): boolean => typeof value === "number"
