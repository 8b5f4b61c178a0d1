import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const key = 'evenkeel-theme';

/** Changes whenever colours do, so that a chart is drawn anew. */
export const theme = signal<Theme>('auto');
export const isDark = signal(false);
const system = matchMedia('(prefers-color-scheme: dark)');

export function startTheme(): void {
  const kept = localStorage.getItem(key);
  system.addEventListener('change', () => apply(theme.value));
  apply(kept === 'light' || kept === 'dark' ? kept : 'auto');
}

export function nextTheme(): void {
  const next = ({ auto: 'light', light: 'dark', dark: 'auto' } as const)[theme.value];
  localStorage.setItem(key, next);
  apply(next);
}

function apply(next: Theme): void {
  if (next === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  theme.value = next;
  isDark.value = next === 'auto' ? system.matches : next === 'dark';
}

/** A colour of the style sheet as the browser draws it, for a canvas. */
export function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
