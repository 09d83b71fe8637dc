// zip reads archives: the files of a project come in one. Only what the services
// write is read: files that are stored or deflated, up to 4 GB, without encryption.

const endMark = 0x06054b50;
const entryMark = 0x02014b50;
const mostFiles = 5000;

// filesOf gives the files of an archive, {path, size, read}, by path. read unpacks
// one; it fails where its content is not what the archive says. filesOf fails for
// what is no archive.
export function filesOf(buffer) {
  const view = new DataView(buffer);
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  if (count > mostFiles) throw new Error(`the archive has more than ${mostFiles} files`);
  const files = [];
  let at = view.getUint32(end + 16, true);
  for (let n = 0; n < count; n++) {
    if (at + 46 > end || view.getUint32(at, true) !== entryMark) throw new Error("the archive is damaged");
    const [nameSize, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const path = new TextDecoder().decode(new Uint8Array(buffer, at + 46, nameSize));
    const entry = { method: view.getUint16(at + 10, true), packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true), start: view.getUint32(at + 42, true) };
    if (!path.endsWith("/")) files.push({ path, size: entry.size, read: () => unpack(buffer, view, entry) });
    at += 46 + nameSize + extra + comment;
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

// endOf finds the end record: it is last, but for a comment.
function endOf(view) {
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 65557; at--) {
    if (view.getUint32(at, true) === endMark) return at;
  }
  throw new Error("this is no zip archive");
}

async function unpack(buffer, view, { method, packed, size, start }) {
  const from = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
  const content = new Uint8Array(buffer, from, packed);
  if (method === 0) return content;
  if (method !== 8) throw new Error(`the file is packed in an unknown way (${method})`);
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const plain = new Uint8Array(await new Response(stream).arrayBuffer());
  if (plain.length !== size) throw new Error("the file is damaged");
  return plain;
}
