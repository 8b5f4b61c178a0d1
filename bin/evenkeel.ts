import { readFileSync } from 'node:fs';
import { environmentWithDotenv } from '../config/dotenv.ts';
import { processIo } from './evenkeel/io.ts';
import { openPorts } from './evenkeel/open-ports.ts';
import { runEvenkeel } from './evenkeel/program.ts';

/** `npm run ops -- …`: the operator's command line. docs/cli.md has every command. */
const interrupted = new AbortController();
process.on('SIGINT', () => {
  // Whoever asks twice does not want to wait for a clean end.
  if (interrupted.signal.aborted) process.exit(130);
  interrupted.abort();
});
process.once('SIGTERM', () => interrupted.abort());
// `evenkeel orders | head`: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const io = processIo(environmentWithDotenv(), interrupted.signal);
process.exitCode = await runEvenkeel(process.argv.slice(2), io, openPorts, version);
// Connections that are kept alive would hold the process; what was written has to get out first.
process.stdout.write('', () => process.exit());
