/** A dialog in which a person says what he means and why, before it is done. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Reply } from '../../wire/messages.ts';
import { act, once } from '../link.ts';
import { say } from '../topics.ts';

export interface Deed {
  readonly title: string;
  /** What it does and what it does not. */
  readonly body: ComponentChildren;
  readonly button: string;
  readonly isGrave?: boolean;
  /** What the reason is for, where it is not the audit trail. */
  readonly why?: string;
  /** The first characters of a hash, to be typed: slow on purpose. */
  readonly typed?: string;
  readonly action: (filled: { readonly reason: string; readonly typed: string }) => {
    readonly action: string;
    readonly [name: string]: unknown;
  };
  /** What is said once it is done. */
  readonly done: (result: unknown) => string;
}

export function DeedDialog({ deed, close }: { deed: Deed; close: () => void }) {
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Extract<Reply, { ok: false }> | null>(null);
  const number = useRef<Promise<string> | undefined>(undefined);
  number.current ??= once();
  const isReady = reason.trim() !== '' && (deed.typed === undefined || typed.trim() !== '');
  const submit = async () => {
    if (!isReady || isBusy) return;
    setBusy(true);
    setRefusal(null);
    const reply = await act(
      deed.action({ reason: reason.trim(), typed: typed.trim() }),
      await number.current!,
    );
    setBusy(false);
    if (reply.ok) {
      say(deed.done(reply.result));
      close();
      return;
    }
    // A number is good for one attempt.
    number.current = once();
    setRefusal(reply);
  };
  return (
    <Modal title={deed.title} close={close} isLocked={isBusy}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="dialog-body">{deed.body}</div>
        {deed.typed === undefined ? null : (
          <label class="field">
            <span>
              Type <code class="hash">{deed.typed}</code>, how the hash of the plan begins
            </span>
            <input
              name="typed"
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              maxLength={64}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <label class="field">
          <span>{deed.why ?? 'Why, for the audit trail'}</span>
          <input
            name="reason"
            autocomplete="off"
            maxLength={500}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {refusal === null ? null : (
          <div class="fault" role="alert">
            <strong>{refusal.code}</strong> {refusal.message}
          </div>
        )}
        <div class="buttons">
          <button type="button" onClick={close} disabled={isBusy}>
            Leave it
          </button>
          <button type="submit" class={deed.isGrave ? 'grave' : 'main'} disabled={!isReady || isBusy}>
            {isBusy ? 'Working…' : deed.button}
          </button>
        </div>
      </form>
    </Modal>
  );
}

export function Modal({
  title,
  close,
  children,
  isLocked = false,
  isWide = false,
}: {
  title: string;
  close: () => void;
  children: ComponentChildren;
  isLocked?: boolean;
  isWide?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    // A dialog that is about to be filled in begins in its first field.
    element.current?.querySelector<HTMLElement>('input')?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={isWide ? 'wide' : undefined}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        if (!isLocked) close();
      }}
    >
      <header class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={close} disabled={isLocked}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
