// The conformance suite imports globSync, which came to node:fs with Node 22, for a command that we do not use: this
// gives Node 20 a stand-in. Loaded with --import.
import fs from 'node:fs';
import { register } from 'node:module';

const moduleOf = (source) => `data:text/javascript,${encodeURIComponent(source)}`;

const withGlobSync = moduleOf(`
  export * from 'node:fs';
  export { default } from 'node:fs';
  export const globSync = () => { throw new Error('globSync needs Node 22'); };
`);

const hooks = moduleOf(`
  export const resolve = (specifier, context, next) =>
    specifier === 'fs' ? { url: ${JSON.stringify(withGlobSync)}, shortCircuit: true } : next(specifier, context);
`);

if (!fs.globSync) register(hooks);
