// Certificates made by openssl for one test run: an authority, and servers and clients that it vouches for.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Days after today that a certificate holds; of one that has expired. */
const EXPIRED = -1

/**
 * An authority of its own, in a folder that `remove` deletes.
 *
 * `issue(names)` gives the `{key, cert}` of a server of these names ('DNS:localhost', 'IP:127.0.0.1'), `issueExpired(names)`
 * one whose time is over; `issueClient(name)` that of a client. With them come their paths, as `keyFile` and `certFile`.
 */
export const authority = () => {
  const folder = mkdtempSync(join(tmpdir(), 'test-authority-'))
  const file = name => join(folder, name)
  const openssl = (...args) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const newKey = name =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', name)
  newKey('ca.key')
  const subject = `/CN=test authority ${process.pid}`
  const isAuthority = [
    ...['-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-addext', 'keyUsage=critical,keyCertSign']
  ]
  const holds = days => ['-days', String(days)]
  openssl(
    ...['req', '-x509', '-new', '-key', 'ca.key', '-subj', subject],
    ...[...isAuthority, ...holds(2), '-out', 'ca.pem']
  )
  let serial = 0
  const sign = (subject, usage, days, names) => {
    const name = `issued-${++serial}`
    const [key, cert] = [`${name}.key`, `${name}.pem`]
    newKey(key)
    openssl('req', '-new', '-key', key, '-subj', `/CN=${subject}`, '-out', `${name}.csr`)
    const extensions = ['basicConstraints=CA:FALSE', `extendedKeyUsage=${usage}`]
    if (names) extensions.push(`subjectAltName=${names.join(',')}`)
    writeFileSync(file(`${name}.ext`), `${extensions.join('\n')}\n`)
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key'],
      ...['-set_serial', String(serial), '-extfile', `${name}.ext`, ...holds(days), '-out', cert]
    )
    const [keyFile, certFile] = [file(key), file(cert)]
    return { key: readFileSync(keyFile), cert: readFileSync(certFile), keyFile, certFile }
  }
  /** A certificate that signed itself, as Neo4j servers come with: an authority of nobody else. */
  const selfSigned = names => {
    newKey('self.key')
    openssl(
      ...[
        'req',
        '-x509',
        '-new',
        '-key',
        'self.key',
        '-subj',
        '/CN=self-signed',
        '-days',
        '2',
        '-out',
        'self.pem'
      ],
      ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', `subjectAltName=${names.join(',')}`]
    )
    const certFile = file('self.pem')
    return { key: readFileSync(file('self.key')), cert: readFileSync(certFile), certFile }
  }
  return {
    selfSigned,
    /** Path of the authority's certificate, for `trustedCertificates`. */
    file: file('ca.pem'),
    pem: readFileSync(file('ca.pem'), 'utf8'),
    folder,
    issue: names => sign('test server', 'serverAuth', 2, names),
    issueExpired: names => sign('test server', 'serverAuth', EXPIRED, names),
    issueClient: (name = 'test client') => sign(name, 'clientAuth', 2),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
