// TypeScript in a folder like a user's: the package is in its node_modules, and nothing else of the project is near.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

const ts = createRequire(import.meta.url)('typescript')
const { ModuleKind, ModuleResolutionKind, ScriptTarget } = ts

export const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const settings = {
  node16: { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 },
  nodenext: { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext },
  commonjs: { module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10 },
  bundler: { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler }
}

/** A folder, and what TypeScript has to say of a file in it. */
export const compiler = () => {
  const folder = mkdtempSync(join(tmpdir(), 'types-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
  for (const [from, to] of [
    [project, 'neo4j-ha-bolt-driver'],
    [join(project, 'node_modules', '@types', 'node'), '@types/node']
  ]) {
    symlinkSync(from, join(folder, 'node_modules', to), 'dir')
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  const host = {
    getCurrentDirectory: () => folder,
    getCanonicalFileName: name => name,
    getNewLine: () => '\n'
  }

  const complaints = (file, kind, more = {}) => {
    const program = ts.createProgram([join(folder, file)], {
      ...settings[kind],
      target: ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      typeRoots: [join(folder, 'node_modules', '@types')],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      ...more
    })
    return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host)
  }
  return { folder, complaints }
}
