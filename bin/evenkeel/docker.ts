import { execFile } from 'node:child_process';

/** What this machine has to build images with. */
export interface DockerState {
  /** The program: `docker`, or what CDK_DOCKER names instead (finch, podman). */
  readonly program: string;
  /** Of its engine; undefined where none answers. */
  readonly version: string | undefined;
  /** Its own words, where none answers. */
  readonly problem: string;
}

const patienceMs = 10_000;

/** Asks the engine for its version: a client alone builds nothing. */
export async function lookForDocker(env: Readonly<Record<string, string | undefined>>): Promise<DockerState> {
  const program = env.CDK_DOCKER || 'docker';
  return new Promise((resolve) => {
    const args = ['version', '--format', '{{.Server.Version}}'];
    execFile(program, args, { timeout: patienceMs }, (error, stdout, stderr) => {
      const version = stdout.trim();
      if (error === null && /^v?\d/.test(version)) {
        resolve({ program, version, problem: '' });
        return;
      }
      const missing = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
      const words = stderr.trim().split('\n')[0] || error?.message || `it said ${version}`;
      resolve({ program, version: undefined, problem: missing ? 'it is not installed' : words });
    });
  });
}
