// What a TCP proxy does to what passes through it.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A client that is connected, by way of a proxy, to a server which sends back what it gets; all end with the test.
 *
 * @param makeProxy is given the port of the server
 */
export const throughProxy = async (t, makeProxy) => {
  const got = []
  const sockets = new Set()
  const server = createServer(socket => {
    sockets.add(socket)
    socket
      .on('error', () => {})
      .on('data', bytes => {
        got.push(bytes)
        socket.write(bytes)
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = makeProxy(server.address().port)
  const client = connect({ port: await proxy.listen(), host: '127.0.0.1', noDelay: true })
  const back = []
  const state = { proxy, client, error: null, isClosed: false }
  client
    .on('data', bytes => back.push(bytes))
    .on('error', error => {
      state.error = error
    })
    .on('close', () => {
      state.isClosed = true
    })
  t.after(async () => {
    client.destroy()
    for (const socket of sockets) socket.destroy()
    await proxy.close()
    await new Promise(resolve => server.close(resolve))
  })
  await once(client, 'connect')
  return Object.assign(state, {
    got: () => Buffer.concat(got).toString('latin1'),
    back: () => Buffer.concat(back).toString('latin1')
  })
}
