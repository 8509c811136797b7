import { type Command, sh } from 'ha-provision'

interface QmpCommand {
  readonly execute: string
  readonly arguments?: object
}

interface Expected {
  /** Also wait for this event. */
  readonly event?: string
  /** An error of this class is as good as success: it was done before. */
  readonly done?: string
}

const client = `
const [path, commands, event, done] = process.argv.slice(1)
const socket = require('node:net').connect(path)
const lines = [{ execute: 'qmp_capabilities' }, ...JSON.parse(commands)]
let answered = 0, seen = event === ''
const end = (code, text) => { if (text) console.error(text); process.exit(code) }
setTimeout(() => end(3, 'no answer from QEMU within 20 s'), 20000)
socket.on('error', (error) => end(2, error.message))
require('node:readline').createInterface({ input: socket }).on('line', (line) => {
  const { QMP, error, event: happened, ...answer } = JSON.parse(line)
  if (error && error.class !== done) end(1, error.desc)
  if (error || happened === event) seen = true
  if (error || 'return' in answer) answered++
  if (answered === lines.length) { if (seen) end(0) }
  else if (QMP || error || 'return' in answer) socket.write(JSON.stringify(lines[answered]) + '\\n')
})`

/** A command for this computer that tells a running QEMU something and waits until it is done. QEMU's QMP specification. */
export const qmp = (
  socket: string,
  commands: readonly QmpCommand[],
  { event = '', done = '' }: Expected = {},
): Command => sh`${process.execPath} -e ${client} ${socket} ${JSON.stringify(commands)} ${event} ${done}`
