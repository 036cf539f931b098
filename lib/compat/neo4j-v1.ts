/** Programs of 1.x write `require('neo4j-driver').v1`; those that came by ESM interop, `.default`. Both are the namespace itself. */

/**
 * The namespace with `v1` and `default`, which return it, and the mark by which interop knows that there is a `default`. None
 * is listed, so that printing it ends.
 */
export function withV1<N extends object>(namespace: N): N & { readonly v1: N; readonly default: N } {
  return Object.defineProperties(namespace, {
    v1: { value: namespace },
    default: { value: namespace },
    __esModule: { value: true }
  }) as N & { readonly v1: N; readonly default: N }
}
