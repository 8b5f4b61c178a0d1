// Loaded before every program: keeps what Node made of the sources (types stripped, code compiled), so that the next start is
// twice as fast. In plain JavaScript that an old Node can read as well.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

// Not the system's temporary folder, which is Node's own choice: what lies there others may have written, and it would be run.
const FOLDER = fileURLToPath(new URL('../node_modules/.cache/evenkeel-compiled', import.meta.url));

/**
 * Turns Node's compile cache on for this process and those that it starts with its environment. NODE_COMPILE_CACHE names
 * another folder, NODE_DISABLE_COMPILE_CACHE=1 turns it off. Where the folder cannot be written, programs start as without it.
 */
export function keepCompiled(folder = process.env.NODE_COMPILE_CACHE || FOLDER) {
  // The coverage of code that comes out of the cache is less exact.
  if (module.enableCompileCache === undefined || process.env.NODE_V8_COVERAGE) return;
  const { status } = module.enableCompileCache(folder);
  const { ENABLED, ALREADY_ENABLED } = module.constants.compileCacheStatus;
  if (status === ENABLED || status === ALREADY_ENABLED) process.env.NODE_COMPILE_CACHE = folder;
}

keepCompiled();
