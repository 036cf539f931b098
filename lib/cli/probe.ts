/**
 * One look at a port, beside the driver: how long each step to it takes, and what speaks there. It goes no further than the agreement
 * on a version of Bolt, which every server takes from anybody.
 */

import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { type PeerCertificate, connect as secure, type TLSSocket } from 'node:tls'

/** What is proposed: Bolt 5, 4.4 to 4.2, 3 and 1; none of these is an answer, too. */
const GREETING = Buffer.from('6060b017' + '00080805' + '00020404' + '00000003' + '00000001', 'hex')

/** The first byte of a TLS alert: what a server says that wants TLS. */
const TLS_ALERT = 0x15

/** What speaks at a port. */
export type Speaks =
  /** Bolt. */
  | 'bolt'
  /** HTTP. */
  | 'http'
  /** It ended the connection, or sent a TLS alert: what a server does that wants TLS. */
  | 'nothing'
  /** It did not answer in time. */
  | 'silent'
  /** Something else. */
  | 'unknown'

/** A step to a port. */
export interface Step<T> {
  readonly value: T
  readonly ms: number
}

/** @throws what the promise rejects with, or an error that says that it took too long */
export async function timed<T>(work: () => Promise<T>): Promise<Step<T>> {
  const begun = performance.now()
  const value = await work()
  return { value, ms: performance.now() - begun }
}

/** A host without the brackets that an IPv6 address has in a URI. */
const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

/** Whether a host is an address, and no name. */
export const isAddress = (host: string): boolean => isIP(bare(host)) !== 0

/** The port of `host:port`. */
export const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1))

/** The addresses of a host. */
export async function addressesOf(host: string): Promise<string[]> {
  const found = await lookup(bare(host), { all: true })
  return found.map(({ address }) => address)
}

/** A connection to the first of the addresses that gives one. @throws with the reason why the last gives none */
export async function dial(addresses: readonly string[], port: number, patience: number): Promise<Socket> {
  let failure: unknown
  for (const host of addresses) {
    try {
      return await established(connect({ host, port, noDelay: true }), 'connect', patience)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** TLS on a connection, whatever the certificate. @throws with the reason why there is none */
export function encrypt(socket: Socket, host: string, patience: number): Promise<TLSSocket> {
  const servername = isAddress(host) ? undefined : host
  return established(secure({ socket, servername, rejectUnauthorized: false }), 'secureConnect', patience)
}

/** A socket that has come so far as this event says. */
function established<T extends Socket>(socket: T, event: string, patience: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      socket
        .off(event, succeed)
        .off('error', fail)
        .off('close', closed)
        .on('error', () => {})
    }
    const succeed = (): void => {
      end()
      resolve(socket)
    }
    const fail = (error: Error): void => {
      end()
      socket.destroy()
      reject(error)
    }
    const closed = (): void => fail(new Error('the connection was closed'))
    const timer = setTimeout(() => fail(new Error(`no answer within ${patience} ms`)), patience)
    socket.on(event, succeed).on('error', fail).on('close', closed)
  })
}

/** Greets whoever is there as a Bolt client does, and says what answered. */
export function greet(socket: Socket, patience: number): Promise<Speaks> {
  return new Promise(resolve => {
    const end = (speaks: Speaks): void => {
      clearTimeout(timer)
      resolve(speaks)
    }
    const timer = setTimeout(end, patience, 'silent')
    socket.once('data', bytes => end(whoSays(bytes)))
    socket.once('error', () => end('nothing'))
    socket.once('close', () => end('nothing'))
    socket.write(GREETING)
  })
}

function whoSays(bytes: Buffer): Speaks {
  if (bytes[0] === TLS_ALERT) return 'nothing'
  if (bytes.subarray(0, 4).equals(Buffer.from('HTTP'))) return 'http'
  // A version, or none that it knows: two bytes of nought, the rest being a range.
  return bytes.length >= 4 && bytes.readUInt16BE(0) === 0 ? 'bolt' : 'unknown'
}

/** What answers at a port, in plain or over TLS; and, over TLS, with which certificate. @throws with the reason why nothing does */
export async function whoIsAt(
  addresses: readonly string[],
  { host, port, over, patience }: { host: string; port: number; over: 'tls' | 'plain'; patience: number }
): Promise<{ speaks: Speaks; certificate?: PeerCertificate }> {
  let socket = await dial(addresses, port, patience)
  try {
    if (over === 'plain') return { speaks: await greet(socket, patience) }
    const encrypted = await encrypt(socket, host, patience)
    socket = encrypted
    return { speaks: await greet(encrypted, patience), certificate: encrypted.getPeerCertificate() }
  } finally {
    socket.destroy()
  }
}
