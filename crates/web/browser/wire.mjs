// Events as the server sends them to monitors: docs/web.md, "Events of monitors".

export function encode(number, list, now, dropped) {
  const head = Buffer.alloc(16);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(dropped, 4);
  head.writeBigUInt64LE(BigInt(now), 8);
  const parts = list.map(({ source, type, data, more = [], late }) => {
    const pad = (4 - (more.length % 4)) % 4;
    const bytes = Buffer.alloc(32 + more.length + pad);
    bytes.writeUInt16LE(bytes.length, 0);
    bytes.writeUInt8(type, 2);
    bytes.writeUInt8(late === undefined ? 0 : 1, 3);
    source.split(':').forEach((part, at) => bytes.writeUInt8(Number(part), 4 + at));
    bytes.writeUInt8(253, 6);
    bytes.writeUInt8(pad, 7);
    bytes.writeBigUInt64LE(BigInt(now), 8);
    bytes.writeInt32LE(late ?? 0, 16);
    Buffer.from(data).copy(bytes, 20);
    Buffer.from(more).copy(bytes, 32);
    return bytes;
  });
  return Buffer.concat([head, ...parts]);
}

export const note = (source, channel, key, velocity, late = Math.round(20 + Math.random() ** 3 * 400)) => ({ source, type: velocity ? 6 : 7, data: [channel, key, velocity], late });
export function control(source, channel, param, value) {
  const data = Buffer.alloc(12);
  data.writeUInt8(channel, 0);
  data.writeUInt32LE(param, 4);
  data.writeInt32LE(value, 8);
  return { source, type: 10, data, late: Math.round(30 + Math.random() * 80) };
}
