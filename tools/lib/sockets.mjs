// How a socket ends when its process is killed.

import { TLSSocket } from 'node:tls'

/**
 * RST where that can be had. libuv refuses to reset a socket that is shutting down, Node then takes it for closed all the same,
 * and waits for it for ever, busily, when the process ends (FreeEnvironment, CleanupHandles). TLS that ends shuts the socket
 * below it down, of which that socket's own state tells nothing: so what carries TLS is destroyed.
 */
export const reset = (socket, { carriesTls = socket instanceof TLSSocket } = {}) => {
  if (carriesTls || socket.writableEnded || socket.destroyed) socket.destroy()
  else socket.resetAndDestroy()
}
