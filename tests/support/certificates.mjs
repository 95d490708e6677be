// Certificates for receivers, made by the openssl command: an authority and leaves with one flaw each.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const config = (directory) => `
[ca]
default_ca = authority
[authority]
database = ${directory}/index.txt
serial = ${directory}/serial
new_certs_dir = ${directory}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
`;

function openssl(...args) {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const keyArguments = (bits) =>
  bits ? ['-newkey', `rsa:${bits}`] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** A date as `openssl ca` takes it, so many days from now. */
function inDays(days) {
  const text = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${text.slice(0, 19).replace(/[-T:]/g, '')}Z`;
}

/**
 * An authority that lives in `directory`: `{file, issue(name, options)}`. `issue` returns `{cert, key}`
 * as PEM for the address 127.0.0.1, or for `names` such as 'DNS:other.example'; `starts` and `ends` are
 * days from now, `usage` the extended key usage, `rsaBits` a size other than that of a P-256 key.
 */
export function authority(directory, name = 'authority') {
  const at = (file) => path.join(directory, `${name}-${file}`);
  writeFileSync(at('openssl.cnf'), config(directory).replaceAll(`${directory}/`, `${directory}/${name}-`));
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('serial'), '01\n');
  openssl('req', '-config', at('openssl.cnf'), '-x509', '-nodes', ...keyArguments(), '-subj', `/CN=${name}`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', at('ca.key'), '-out', at('ca.pem'));

  const issue = (leaf, { names = 'IP:127.0.0.1', starts = -1, ends = 30, usage, rsaBits } = {}) => {
    openssl('req', '-config', at('openssl.cnf'), '-new', '-nodes', ...keyArguments(rsaBits), '-subj', `/CN=${leaf}`,
      '-keyout', at(`${leaf}.key`), '-out', at(`${leaf}.csr`));
    const usages = usage ? `extendedKeyUsage=${usage}\n` : '';
    writeFileSync(at(`${leaf}.ext`), `subjectAltName=${names}\nbasicConstraints=critical,CA:FALSE\n${usages}`);
    openssl('ca', '-batch', '-notext', '-config', at('openssl.cnf'), '-cert', at('ca.pem'), '-keyfile', at('ca.key'),
      '-in', at(`${leaf}.csr`), '-out', at(`${leaf}.pem`), '-extfile', at(`${leaf}.ext`),
      '-startdate', inDays(starts), '-enddate', inDays(ends));
    return { cert: readFileSync(at(`${leaf}.pem`)), key: readFileSync(at(`${leaf}.key`)) };
  };
  return { file: at('ca.pem'), issue };
}

/** A certificate for 127.0.0.1 that vouches for itself. */
export function selfSigned(directory) {
  const at = (file) => path.join(directory, `self-${file}`);
  openssl('req', '-x509', '-nodes', ...keyArguments(), '-subj', '/CN=self', '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', at('leaf.key'), '-out', at('leaf.pem'));
  return { cert: readFileSync(at('leaf.pem')), key: readFileSync(at('leaf.key')) };
}
