// A registry that has the packages of a folder, and sends clients to another registry for all others.
//
//   node registry.mjs FOLDER [REGISTRY]
//
// Prints its address, and ends when its standard input ends.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const [folder, upstream = 'https://registry.npmjs.org/'] = process.argv.slice(2);

/** Returns the package.json of a package. */
function manifest(tarball) {
  const tar = gunzipSync(tarball);
  for (let at = 0; at + 512 <= tar.length; ) {
    const text = (start, end) => tar.toString('utf8', at + start, at + end).replace(/\0.*$/s, '');
    const size = parseInt(text(124, 136), 8) || 0;
    if (text(0, 100) === 'package/package.json') {
      return JSON.parse(tar.toString('utf8', at + 512, at + 512 + size));
    }
    at += 512 + 512 * Math.ceil(size / 512);
  }
  throw new Error('the package has no package.json');
}

const packages = new Map();
const tarballs = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
  const tarball = readFileSync(join(folder, file));
  const json = manifest(tarball);
  tarballs.set(`/tarballs/${file}`, tarball);
  packages.set(json.name, { json, tarball, file });
}

const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url.split('?')[0]);
  const found = packages.get(path.slice(1));
  if (tarballs.has(path)) {
    response.end(tarballs.get(path));
  } else if (found) {
    const { json, tarball, file } = found;
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const shasum = createHash('sha1').update(tarball).digest('hex');
    const dist = { tarball: `http://${request.headers.host}/tarballs/${file}`, integrity, shasum };
    const times = { created: '2020-01-01T00:00:00Z', modified: '2020-01-01T00:00:00Z', [json.version]: '2020-01-01T00:00:00Z' };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        name: json.name,
        'dist-tags': { latest: json.version },
        versions: { [json.version]: { ...json, dist } },
        time: times,
      }),
    );
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    response.writeHead(302, { location: new URL(request.url.slice(1), upstream).href }).end();
  } else {
    // Audits and the like.
    response.writeHead(404).end('{}');
  }
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
process.stdin.resume().on('end', () => process.exit());
