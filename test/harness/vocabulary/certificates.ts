// Certificates that the grader makes, for either side of a TLS connection.
import type { Certificate } from '../wire/grader-server.ts';

const day = 24 * 60 * 60 * 1000;

/**
 * Makes a certificate that its own key has signed. By default it is valid now, for 127.0.0.1.
 * @param days until it expires; negative when it has expired
 */
export async function makeCertificate({
  ip,
  name,
  days = 2,
}: { ip?: string; name?: string; days?: number } = {}): Promise<Certificate> {
  // It takes a fifth of a second to load, which only a learner who has come so far should wait for.
  const { generate } = await import('selfsigned');
  const { cert, private: key } = await generate([{ name: 'commonName', value: name ?? ip ?? '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 10 * day),
    notAfterDate: new Date(Date.now() + days * day),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'subjectAltName', altNames: [name ? { type: 2, value: name } : { type: 7, ip: ip ?? '127.0.0.1' }] },
    ],
  });
  return { cert, key };
}
