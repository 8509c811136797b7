import AjvModule, { type ErrorObject, type ValidateFunction } from 'ajv'
import addFormatsModule from 'ajv-formats'
import type { Fault } from '../plugin/types.js'
import { renderPath } from './override.js'
import { nearest, suggestion } from './suggest.js'

// Both packages are CommonJS whose default export sits one level deeper for ES modules.
const Ajv = AjvModule.default ?? AjvModule
const addFormats = addFormatsModule.default ?? addFormatsModule

export interface SchemaFault extends Fault {
  readonly at: readonly (string | number)[]
}

const segments = (pointer: string, data: unknown): (string | number)[] => {
  let node = data
  return pointer
    .split('/')
    .slice(1)
    .map((raw) => {
      const key = raw.replaceAll('~1', '/').replaceAll('~0', '~')
      const at = Array.isArray(node) ? Number(key) : key
      node = (node as Record<string | number, unknown> | undefined)?.[at]
      return at
    })
}

const shown = (value: unknown, secret: boolean): string => {
  if (secret) return 'the value'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
const kind = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value)

function describe(error: ErrorObject, data: unknown): SchemaFault | undefined {
  const { keyword, params, parentSchema = {} } = error
  const at = segments(error.instancePath, data)
  const value = shown(error.data, parentSchema.secret === true)
  const fault = (message: string, hint?: string, where = at): SchemaFault => ({
    at: where,
    path: renderPath(where),
    message,
    ...(hint ? { hint } : {}),
  })
  switch (keyword) {
    case 'required':
      return fault(
        `required option "${params.missingProperty}" is missing`,
        parentSchema.properties?.[params.missingProperty]?.description ?? 'add it',
      )
    case 'additionalProperties':
      return fault(
        'unknown option',
        suggestion(params.additionalProperty, Object.keys(parentSchema.properties ?? {})),
        [...at, params.additionalProperty],
      )
    case 'enum': {
      const allowed: unknown[] = params.allowedValues
      const near = typeof error.data === 'string' ? nearest(error.data, allowed.map(String)) : undefined
      return fault(
        `${value} is not one of ${allowed.join(', ')}`,
        near ? `did you mean "${near}"?` : 'use one of these',
      )
    }
    case 'const':
      return fault(`${value} is not ${shown(params.allowedValue, false)}`, 'use that value')
    case 'type': {
      const wanted = [params.type].flat().join(' or ')
      const quoted =
        typeof error.data === 'string' &&
        ((/integer|number/.test(wanted) && /^-?\d+$/.test(error.data)) ||
          (/boolean/.test(wanted) && /^(true|false)$/.test(error.data)))
      const remedy = quoted
        ? 'write it without quotes'
        : wanted === 'boolean'
          ? 'write true or false'
          : `give ${/^[aio]/.test(wanted) ? 'an' : 'a'} ${wanted}`
      return fault(`expected ${wanted}, got ${value} (${kind(error.data)})`, remedy)
    }
    case 'pattern':
    case 'format':
      return fault(
        `${value} ${parentSchema.errorMessage ?? (keyword === 'format' ? `is not a valid ${params.format}` : `does not match ${params.pattern}`)}`,
        parentSchema.examples ? `for example ${parentSchema.examples[0]}` : (parentSchema.description ?? 'correct it'),
      )
    case 'minimum':
    case 'maximum':
      return fault(
        `${value} must be ${params.comparison} ${params.limit}`,
        `use a value ${params.comparison} ${params.limit}`,
      )
    case 'propertyNames':
      // The error that says why the name is wrong comes by itself.
      return undefined
    case 'anyOf':
    case 'oneOf':
      return fault(`${value} is none of the accepted forms`, parentSchema.errorMessage ?? parentSchema.description)
    default:
      return fault(`${value} ${error.message}`, parentSchema.description ?? 'correct it')
  }
}

/** A branch's own complaints say less than the choice itself, unless the value has that branch's type. */
function withoutBranches(found: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = found.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  const inChoice = (error: ErrorObject) =>
    choices.find((choice) => error !== choice && error.schemaPath.startsWith(`${choice.schemaPath}/`))
  return found.filter((error) => {
    const choice = inChoice(error)
    if (choice) return error.instancePath.length > choice.instancePath.length
    const deeper = found.some(
      (other) => inChoice(other) === error && other.instancePath.length > error.instancePath.length,
    )
    return !deeper || !choices.includes(error)
  })
}

/** Compiled schemas: compiling is the dear part, and a schema never changes. */
const compiled = new WeakMap<object, ValidateFunction>()
function compile(schema: object): ValidateFunction {
  const known = compiled.get(schema)
  if (known) return known
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    discriminator: true,
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
  })
  addFormats(ajv)
  for (const word of ['errorMessage', 'secret', 'markdownDescription']) ajv.addKeyword(word)
  const check = ajv.compile(schema)
  compiled.set(schema, check)
  return check
}

/** Validates a copy of the config: every fault at once, and the copy with defaults filled in. */
export function validateSchema(
  schema: object,
  config: object,
): { readonly faults: readonly SchemaFault[]; readonly settings: Record<string, unknown> } {
  const check = compile(schema)
  const settings = copy(config) as Record<string, unknown>
  if (check(settings)) return { faults: [], settings }
  const faults = withoutBranches(check.errors ?? []).flatMap((error) => {
    const named = error.propertyName === undefined ? undefined : describeName(error, config)
    return named ?? describe(error, config) ?? []
  })
  const seen = new Set<string>()
  return {
    settings,
    faults: faults.filter((fault) => !seen.has(fault.path + fault.message) && seen.add(fault.path + fault.message)),
  }
}

/** Errors under `propertyNames` are about a key, not a value. */
function describeName(error: ErrorObject, data: unknown): SchemaFault {
  const at = [...segments(error.instancePath, data), error.propertyName as string]
  if (error.keyword === 'enum') {
    const known: string[] = error.params.allowedValues
    return {
      at,
      path: renderPath(at),
      message: `"${error.propertyName}" is not one of ${known.join(', ')}`,
      hint: suggestion(error.propertyName as string, known),
    }
  }
  const schema = error.parentSchema ?? {}
  return {
    at,
    path: renderPath(at),
    message: `the name "${error.propertyName}" ${schema.errorMessage ?? error.message}`,
    hint: schema.description ?? 'rename it',
  }
}

/** Plain data is copied; plugin objects, functions and class instances are kept as they are. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (
    value !== null &&
    typeof value === 'object' &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  ) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, typeof child === 'function' ? child : copy(child)]),
    )
  }
  return value
}
