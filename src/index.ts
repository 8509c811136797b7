/** The public API. Plugins, built-in or not, import only this. */
export { defineConfig, type PluginOptions, type UserConfig } from './config/define.js'
export { agreed, builder, definePlugin, finding, reconstruction } from './plugin/define.js'
export type { Input, Schema, Settings } from './plugin/infer.js'
export type * from './plugin/types.js'
export { ask, type FileFact, files, type PackageFact, packages, text, type UnitFact, units } from './probe/common.js'
export { type Command, given, type Output, quote, raw, sh } from './transport/command.js'
export { reveal, Secret } from './transport/secret.js'
export type { Endpoint } from './transport/types.js'
