// The HTTP status pages of many members of an HA cluster, in a process of their own, started by `fork` with their number. It answers
// as cheaply as can be, for the clients are what is measured. It tells its ports, and is told `{master}`, the index of the
// member that is the master, or null; it answers each message by how many questions it has answered.

import { createServer } from 'node:net'

const members = Number(process.argv[2])
const END = '\r\n\r\n'
const page = text =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}${END}${text}`
const PAGES = { master: page('master'), slave: page('slave') }

let master = 0
let answered = 0

const listen = async member => {
  const server = createServer({ noDelay: true }, socket => {
    let begun = ''
    socket.on('data', bytes => {
      const questions = (begun + bytes.toString('latin1')).split(END)
      begun = questions.pop()
      answered += questions.length
      const answer = member === master ? PAGES.master : PAGES.slave
      if (questions.length > 0) socket.write(answer.repeat(questions.length))
    })
    socket.on('error', () => {})
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  return server.address().port
}

process.on('message', told => {
  if ('master' in told) master = told.master
  process.send({ answered })
})
process.on('disconnect', () => process.exit())
process.send({ ports: await Promise.all(Array.from({ length: members }, (_, member) => listen(member))) })
