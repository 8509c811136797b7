// Detaches like -daemonize, writes its pid file, and answers on the QMP socket; holds no guest.
const { spawn } = require('node:child_process')
const { rmSync, writeFileSync } = require('node:fs')
const { createServer } = require('node:net')
const { createInterface } = require('node:readline')

const args = process.argv.slice(2)
const after = (name) => args[args.indexOf(name) + 1]

if (!process.send) {
  const stdio = ['ignore', 'ignore', 'ignore', 'ipc']
  const child = spawn(process.execPath, [__filename, ...args], { detached: true, stdio })
  child.on('message', () => process.exit(0))
  child.on('exit', () => process.exit(1))
} else {
  let medium = args.includes('scsi-cd,drive=config,id=medium')
  const commands = {
    qmp_capabilities: () => [{ return: {} }],
    system_powerdown: () => {
      setTimeout(() => process.exit(0), 50)
      return [{ event: 'POWERDOWN' }, { return: {} }]
    },
    device_del: ({ id }) => {
      if (!medium) return [{ error: { class: 'DeviceNotFound', desc: `Device '${id}' not found` } }]
      medium = false
      return [{ return: {} }, { event: 'DEVICE_DELETED', data: { device: id } }]
    },
  }
  const server = createServer((socket) => {
    const say = (message) => socket.write(`${JSON.stringify(message)}\r\n`)
    say({ QMP: {} })
    createInterface({ input: socket }).on('line', (line) => {
      const { execute, arguments: given } = JSON.parse(line)
      for (const message of commands[execute](given)) say(message)
    })
  })
  // A socket that a killed machine left is in nobody's way, as with the real one.
  const socket = /^unix:(.*),server=on/.exec(after('-qmp'))[1]
  rmSync(socket, { force: true })
  server.listen(socket, () => {
    writeFileSync(after('-pidfile'), `${process.pid}\n`)
    process.send('up', () => process.disconnect())
  })
  setTimeout(() => process.exit(0), 60_000)
}
