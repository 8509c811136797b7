import { type Command, sh } from 'ha-provision'

interface QmpCommand {
  readonly execute: string
  readonly arguments?: object
}

/** Speaks on the socket until every command is answered and, if one is named, the event has come. QEMU's QMP specification. */
const client = `
const [path, commands, event] = process.argv.slice(1)
const socket = require('node:net').connect(path)
const lines = [{ execute: 'qmp_capabilities' }, ...JSON.parse(commands)]
let answered = 0, seen = !event
const end = (code, text) => { if (text) console.error(text); process.exit(code) }
setTimeout(() => end(seen ? 0 : 3, 'no answer from QEMU'), 20000)
socket.on('error', (error) => end(2, error.message))
require('node:readline').createInterface({ input: socket }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.error) end(1, message.error.desc)
  if (message.event === event) seen = true
  if (message.QMP || 'return' in message) {
    if ('return' in message) answered++
    if (answered < lines.length) socket.write(JSON.stringify(lines[answered]) + '\\n')
  }
  if (answered === lines.length && seen) end(0)
})`

/** A command for this computer that tells a running QEMU something. */
export const qmp = (socket: string, commands: readonly QmpCommand[], event = ''): Command =>
  sh`${process.execPath} -e ${client} ${socket} ${JSON.stringify(commands)} ${event}`
