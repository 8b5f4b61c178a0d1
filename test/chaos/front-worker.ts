/** The process that `front.ts` starts: every byte between a streamer and its gateway passes through it. */
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { FrontMessage, FrontOrder, WireRule } from './front.ts';

/** Beyond so many bytes under way the sender is held up, as by a real wire. */
const underWayMax = 1 << 20;
const sliceBytes = 64;

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** One direction of one connection. */
interface Way {
  readonly from: Socket;
  readonly to: Socket;
  readonly queue: Piece[];
  underWay: number;
  isPumping: boolean;
}

interface Link {
  readonly near: Socket;
  far: Socket | undefined;
  /** Nothing passes any more, in neither direction; the sockets stay. */
  isDead: boolean;
}

let rule: WireRule = {};
let upstream: number | undefined;
const links = new Set<Link>();
const counts = { bytesUp: 0, bytesDown: 0, connections: 0 };

const server = createServer((near) => {
  counts.connections += 1;
  if (rule.refuse) {
    near.destroy();
    return;
  }
  const link: Link = { near, far: undefined, isDead: false };
  links.add(link);
  near.setNoDelay(true);
  near.on('error', () => undefined);
  near.on('close', () => {
    links.delete(link);
    link.far?.destroy();
  });
  if (upstream !== undefined) open(link, upstream);
});

function open(link: Link, port: number): void {
  const far = connect(port, '127.0.0.1');
  link.far = far;
  far.setNoDelay(true);
  far.on('error', () => undefined);
  far.on('close', () => {
    if (!link.isDead) link.near.destroy();
  });
  carry(link, wayOf(link.near, far), 'bytesUp');
  carry(link, wayOf(far, link.near), 'bytesDown');
}

function wayOf(from: Socket, to: Socket): Way {
  return { from, to, queue: [], underWay: 0, isPumping: false };
}

function carry(link: Link, way: Way, counted: 'bytesUp' | 'bytesDown'): void {
  way.from.on('data', (bytes: Buffer) => {
    counts[counted] += bytes.length;
    if (rule.halfOpen) link.isDead = true;
    if (link.isDead) return;
    way.queue.push({ bytes, dueMs: performance.now() + (rule.delayMs ?? 0) });
    way.underWay += bytes.length;
    if (way.underWay > underWayMax) way.from.pause();
    void pump(link, way);
  });
}

async function pump(link: Link, way: Way): Promise<void> {
  if (way.isPumping) return;
  way.isPumping = true;
  for (let piece = way.queue.shift(); piece; piece = way.queue.shift()) {
    const waitMs = piece.dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (link.isDead || way.to.destroyed) break;
    await write(link, way.to, piece.bytes);
    way.underWay -= piece.bytes.length;
    if (way.underWay <= underWayMax) way.from.resume();
  }
  way.isPumping = false;
}

async function write(link: Link, to: Socket, bytes: Buffer): Promise<void> {
  if (rule.resetInFrame && bytes.length > 1) {
    rule = { ...rule, resetInFrame: false };
    to.write(bytes.subarray(0, bytes.length >> 1), () => {
      link.near.resetAndDestroy();
      link.far?.resetAndDestroy();
    });
  } else if (rule.bytesPerSecond !== undefined) {
    for (let from = 0; from < bytes.length; from += sliceBytes) {
      const slice = bytes.subarray(from, from + sliceBytes);
      to.write(slice);
      // The wire may be sound again by now.
      if (rule.bytesPerSecond !== undefined) await sleep((slice.length * 1_000) / rule.bytesPerSecond);
    }
  } else if (rule.split) {
    for (const byte of bytes) {
      to.write(Buffer.of(byte));
      await nextTurn();
    }
  } else to.write(bytes);
}

/** The gateway's side ends; the streamer's stays, and what it writes is counted. */
function detach(): void {
  for (const link of links) {
    link.isDead = true;
    link.far?.destroy();
    link.near.resume();
  }
}

function say(message: FrontMessage): void {
  process.send?.(message);
}

process.on('message', (order: FrontOrder) => {
  switch (order.kind) {
    case 'upstream':
      upstream = order.port;
      for (const link of links) if (link.far === undefined && !link.isDead) open(link, order.port);
      return;
    case 'rule':
      rule = order.rule;
      return;
    case 'cut':
      for (const { near, far } of links) {
        near.resetAndDestroy();
        far?.resetAndDestroy();
      }
      return;
    case 'detach':
      detach();
      return;
    case 'count':
      say({ kind: 'counts', open: links.size, ...counts });
  }
});
process.once('disconnect', () => process.exit());
// Ctrl-C in a terminal reaches the parent, which stops its parts in order.
process.on('SIGINT', () => undefined);

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  say({ kind: 'listening', port: (server.address() as { port: number }).port });
});
