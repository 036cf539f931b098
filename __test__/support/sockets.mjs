// How a socket ends when its process is killed.
import tls from 'node:tls'

/** RST where that can be had. A reset of a socket that is shutting down already would keep Node from ever exiting. */
export const cut = socket => {
  if (socket instanceof tls.TLSSocket || socket.writableEnded || socket.destroyed) socket.destroy()
  else socket.resetAndDestroy()
}
