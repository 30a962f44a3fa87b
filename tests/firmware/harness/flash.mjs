// A flash whose power can go at any byte: the files under `root` of MicroPython's file system.
//
// Each byte that is written costs 1, each other change (making, emptying, renaming, closing after a
// write) costs 1 as well, and so does what the network does. When what was given is spent, the power
// is off: nothing changes any more and every access fails, until it is given anew.
//
// What is in flash then depends on the kind of flash:
//   "torn"    what was written up to the cut is there; the rest of that write is not, or is garbage
//   "whole"   as littlefs: of a file, only what was there when it was last closed

const EIO = 29; // in WASI's numbering, as Emscripten has it

export class Flash {
  constructor(fs, root) {
    this.fs = fs;
    this.root = root;
    this.writes = 0; // into files, ever
    this.power(Infinity, "torn", 0);
    fs.mkdirTree(root);
    this.#watch();
  }

  // `budget`: what may be spent; `garbage`: the byte that the rest of a torn write is, or -1.
  power(budget, kind, garbage) {
    this.on = true;
    this.spent = 0;
    this.budget = budget < 0 ? Infinity : budget;
    this.kind = kind;
    this.garbage = garbage;
    this.open = new Map(); // path -> what it was when it was opened to be written to
  }

  // Whether there was enough for it; where not, the power is off now.
  spend(cost) {
    if (!this.on) return false;
    this.spent += cost;
    if (this.spent <= this.budget) return true;
    this.#cut();
    return false;
  }

  // Empty, and with power.
  erase() {
    this.power(-1, "torn", -1);
    const remove = (path) => {
      for (const name of this.fs.readdir(path)) {
        if (name === "." || name === "..") continue;
        const inner = `${path}/${name}`;
        if (this.fs.isDir(this.fs.stat(inner).mode)) {
          remove(inner);
          this.fs.rmdir(inner);
        } else this.fs.unlink(inner);
      }
    };
    remove(this.root);
  }

  #cut() {
    this.on = false;
    if (this.kind !== "whole") return;
    for (const [path, before] of this.open) {
      if (before === null) this.unwatched.unlink(path);
      else this.#put(path, before);
    }
  }

  #put(path, data) {
    const node = this.fs.lookupPath(path).node;
    node.contents = data.slice();
    node.usedBytes = data.length;
  }

  #content(path) {
    try {
      const node = this.fs.lookupPath(path).node;
      return Uint8Array.from(node.contents.subarray(0, node.usedBytes));
    } catch {
      return null;
    }
  }

  #ours(path) {
    return path === this.root || path.startsWith(`${this.root}/`);
  }

  #require(cost) {
    if (!this.spend(cost)) throw new this.fs.ErrnoError(EIO);
  }

  #watch() {
    const { fs } = this;
    const { open, write, close, read, unlink, rename, mkdir } = fs;
    this.unwatched = { unlink: unlink.bind(fs) };
    const [WRITING, CREATING, EMPTYING] = [0o3, 0o100, 0o1000];

    fs.open = (path, flags, mode) => {
      if (typeof path !== "string" || !this.#ours(path)) return open(path, flags, mode);
      if (!this.on) throw new fs.ErrnoError(EIO);
      const changes = flags & WRITING ? this.#content(path) : undefined;
      if (flags & (CREATING | EMPTYING)) this.#require(1);
      const stream = open(path, flags, mode);
      if (changes !== undefined) {
        stream.ours = path;
        if (!this.open.has(path)) this.open.set(path, changes);
      }
      return stream;
    };
    fs.write = (stream, buffer, offset, length, position, canOwn) => {
      if (!stream.ours) return write(stream, buffer, offset, length, position, canOwn);
      if (!this.on) throw new fs.ErrnoError(EIO);
      const left = this.budget - this.spent;
      if (this.kind === "torn" && length > left) {
        if (left > 0) write(stream, buffer, offset, left, position);
        const rest = new Uint8Array(length - Math.max(left, 0)).fill(this.garbage);
        if (this.garbage >= 0) write(stream, rest, 0, rest.length, position);
      }
      this.#require(length);
      this.writes += 1;
      return write(stream, buffer, offset, length, position, canOwn);
    };
    fs.read = (stream, ...rest) => {
      if (!this.on && this.#ours(stream.path ?? "")) throw new fs.ErrnoError(EIO);
      return read(stream, ...rest);
    };
    fs.close = (stream) => {
      const path = stream.ours;
      if (path && this.on && this.spend(1)) this.open.delete(path);
      return close(stream);
    };
    for (const [name, change] of Object.entries({ unlink, rename, mkdir })) {
      fs[name] = (path, ...rest) => {
        if (this.#ours(path)) this.#require(1);
        return change(path, ...rest);
      };
    }
  }
}
