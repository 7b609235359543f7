// The part of oidc-provider that examples/authorization-server.ts of the lesson "Tokens and TLS" uses. The package has no types.
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  export class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
  }
}
