import { readFileSync } from 'node:fs';

const lookEveryMs = 25;

/** Looks at a file again and again, in a process that it is to change; what it says is told when it says something else. */
export function watchSetting<T>(file: string, changed: (setting: T) => void): void {
  let text = '';
  const look = (): void => {
    let now: string;
    try {
      now = readFileSync(file, 'utf8');
    } catch {
      return;
    }
    if (now === text || now === '') return;
    text = now;
    changed(JSON.parse(now) as T);
  };
  look();
  setInterval(look, lookEveryMs).unref();
}
