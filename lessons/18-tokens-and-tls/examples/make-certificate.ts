// Makes a key and a certificate for this machine, good for 30 days, in the folder .tls of this repository.
import { mkdirSync, writeFileSync } from 'node:fs';
import { generate } from 'selfsigned';

const day = 24 * 60 * 60 * 1000;

const { private: key, cert } = await generate([{ name: 'commonName', value: 'Chunk by Chunk' }], {
  keyType: 'ec',
  algorithm: 'sha256',
  notAfterDate: new Date(Date.now() + 30 * day),
  extensions: [
    { name: 'basicConstraints', cA: false, critical: true },
    // The names of the server. A client compares them with the URL, and does not look at the commonName.
    {
      name: 'subjectAltName',
      altNames: [
        { type: 7, ip: '127.0.0.1' },
        { type: 2, value: 'localhost' },
      ],
    },
  ],
});

mkdirSync('.tls', { recursive: true });
writeFileSync('.tls/key.pem', key, { mode: 0o600 });
writeFileSync('.tls/certificate.pem', cert);
console.log('.tls/key.pem is the secret of the server, and .tls/certificate.pem is for its clients.');
