/** What the `files` probe prints for files with these contents. */
export function filesOutput(contents: Readonly<Record<string, string>>, mode = '0644'): string {
  const heads = Object.entries(contents).map(
    ([path, text]) => `@@file ${mode} root:root ${Buffer.byteLength(text)} ${path}\n`,
  )
  return `${heads.join('')}@@content ${Buffer.from(Object.values(contents).join('')).toString('base64')}\n`
}
