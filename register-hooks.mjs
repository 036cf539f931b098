// What `register.js` gives to Node.js before 22.15, which has no hooks that are synchronous.

let found
let names

export function initialize(data) {
  names = data.names
  found = { url: data.url, format: 'commonjs', shortCircuit: true }
}

export const resolve = (specifier, context, next) =>
  names.includes(specifier) ? found : next(specifier, context)
