// Certificates made by openssl for one test run: an authority, and servers that it vouches for.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * An authority of its own, in a folder that `remove` deletes.
 * `issue(names)` gives the `{key, cert}` of a server of these names ('DNS:localhost', 'IP:127.0.0.1').
 */
export const authority = () => {
  const folder = mkdtempSync(join(tmpdir(), 'scripted-tls-'))
  const file = name => join(folder, name)
  const openssl = (...args) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const key = name =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file(name))
  key('ca.key')
  const subject = `/CN=scripted authority ${process.pid}`
  const basics = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']
  openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-days',
    '2',
    '-subj',
    subject,
    ...basics,
    '-out',
    'ca.pem'
  )
  let serial = 0
  return {
    /** Path of the authority's certificate, for `trustedCertificates`. */
    file: file('ca.pem'),
    pem: readFileSync(file('ca.pem'), 'utf8'),
    folder,
    issue(names, { days = 2 } = {}) {
      const name = `server-${++serial}`
      key(`${name}.key`)
      openssl('req', '-new', '-key', `${name}.key`, '-subj', '/CN=scripted server', '-out', `${name}.csr`)
      writeFileSync(
        file(`${name}.ext`),
        `subjectAltName=${names.join(',')}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`
      )
      const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', String(serial)]
      const out = ['-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`]
      openssl('x509', '-req', '-in', `${name}.csr`, ...signer, ...out)
      return { key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)) }
    },
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
