import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { suggestion } from '../config/suggest.js'
import { errors } from '../errors.js'
import type { Schema } from '../plugin/infer.js'
import type { AnyPlugin } from '../plugin/types.js'

/** Comments above each option, from the schemas' descriptions, so that they cannot go stale. */
function described(schema: Schema, value: unknown, depth: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0) {
    return ` ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\n`
  }
  const lines = Object.entries(value).map(([key, child]) => {
    const own =
      schema.properties?.[key] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {})
    const comment = schema.properties?.[key]?.description
    return `${comment ? `${depth}# ${comment.split('\n')[0]}\n` : ''}${depth}${stringify(key).trim()}:${described(own, child, `${depth}  `)}`
  })
  return `\n${lines.join('')}`
}

/** Writes a commented starting config. Never over a file that exists. */
export async function init(
  dir: string,
  plugins: readonly AnyPlugin[],
  composed: Schema,
  example: object,
  kind: string,
): Promise<string> {
  const header = `A cluster for ha-provision. Every option: \`npx ha-provision schema\`; what is there already: \`npx ha-provision check\`.`
  const texts: Record<string, () => string> = {
    yaml: () => `# ${header}\n${described(composed, example, '').trimStart()}`,
    ts: () =>
      `// ${header}\nimport { defineConfig } from 'ha-provision'\n\nexport default defineConfig(${JSON.stringify(
        example,
        undefined,
        2,
      )
        .replace(/"([A-Za-z]\w*)":/g, '$1:')
        .replaceAll('"', "'")})\n`,
  }
  const text = texts[kind]
  if (!text) throw errors.usage(`--format ${kind}: not known`, suggestion(kind, Object.keys(texts)))
  const file = join(dir, `ha.config.${kind}`)
  await writeFile(file, text(), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw errors.usage(`${file} exists and is left as it is`, 'remove it first, or run in another folder')
    throw error
  })
  return `${file} written for the plugins ${plugins.map(({ name }) => name).join(', ')}; look it over, then: npx ha-provision check`
}
