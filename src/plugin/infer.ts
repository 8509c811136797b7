/** JSON Schema (draft-07), the part that plugins use. `description` is what editors and `ha-provision schema` show. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | readonly string[]
  readonly $ref?: '#/definitions/node'
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly propertyNames?: Schema
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly enum?: readonly (string | number | boolean)[]
  readonly const?: unknown
  readonly default?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  /** Said instead of ajv's words when a `pattern` or `format` fails. */
  readonly errorMessage?: string
  /** The value is hidden wherever the config is printed. */
  readonly secret?: boolean
  readonly examples?: readonly unknown[]
}

type Flatten<T> = { [K in keyof T]: T[K] } & {}
type Primitive<T> = T extends 'string'
  ? string
  : T extends 'integer' | 'number'
    ? number
    : T extends 'boolean'
      ? boolean
      : never

type RequiredKeys<S extends Schema> = S extends { required: readonly (infer K)[] } ? K : never
type DefaultKeys<P> = { [K in keyof P]: P[K] extends { default: unknown } ? K : never }[keyof P]

type Properties<S extends Schema, P extends Readonly<Record<string, Schema>>, Filled extends boolean> = Flatten<
  {
    readonly [K in keyof P as K extends RequiredKeys<S> | (Filled extends true ? DefaultKeys<P> : never)
      ? K
      : never]: Value<P[K], Filled>
  } & {
    readonly [K in keyof P as K extends RequiredKeys<S> | (Filled extends true ? DefaultKeys<P> : never)
      ? never
      : K]?: Value<P[K], Filled>
  }
>

type Value<S extends Schema, Filled extends boolean> = S extends { $ref: string }
  ? string
  : S extends { const: infer C }
    ? C
    : S extends { enum: readonly (infer E)[] }
      ? E
      : S extends { anyOf: readonly (infer O extends Schema)[] }
        ? Value<O, Filled>
        : S extends { oneOf: readonly (infer O extends Schema)[] }
          ? Value<O, Filled>
          : S extends { type: 'object'; properties: infer P extends Readonly<Record<string, Schema>> }
            ? Properties<S, P, Filled>
            : S extends { additionalProperties: infer A extends Schema }
              ? { readonly [key: string]: Value<A, Filled> }
              : S extends { type: 'array'; items: infer I extends Schema }
                ? readonly Value<I, Filled>[]
                : S extends { type: infer T }
                  ? T extends readonly (infer U)[]
                    ? Primitive<U>
                    : Primitive<T>
                  : unknown

/** What a person writes: options with a default may be absent. */
export type Input<S extends Schema> = Value<S, false>
/** What a plugin reads: defaults are filled in. */
export type Settings<S extends Schema> = Value<S, true>
