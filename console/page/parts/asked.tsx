import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Reply } from '../../wire/messages.ts';
import { ask } from '../link.ts';

type Question = { readonly ask: string; readonly [name: string]: unknown };

/** The answer to a question that is asked once, when it is shown. */
export function Asked<T>({
  question,
  children,
}: {
  question: Question;
  children: (result: T) => ComponentChildren;
}) {
  const [reply, setReply] = useState<Reply | null>(null);
  const key = JSON.stringify(question);
  useEffect(() => {
    let isCurrent = true;
    setReply(null);
    void ask(JSON.parse(key) as Question).then((answer) => {
      if (isCurrent) setReply(answer);
    });
    return () => {
      isCurrent = false;
    };
  }, [key]);
  if (reply === null)
    return (
      <p class="dim" role="status">
        Reading…
      </p>
    );
  if (reply.ok) return <>{children(reply.result as T)}</>;
  return (
    <div class="fault" role="alert">
      <strong>{reply.code}</strong> {reply.message}
    </div>
  );
}

/** Work that is begun by a button and shows what it came to. */
export function useWork<T>(): {
  readonly isBusy: boolean;
  readonly reply: Reply | null;
  readonly result: T | undefined;
  readonly begin: (question: Question) => void;
} {
  const [isBusy, setBusy] = useState(false);
  const [reply, setReply] = useState<Reply | null>(null);
  return {
    isBusy,
    reply,
    result: reply?.ok ? (reply.result as T) : undefined,
    begin: (question) => {
      setBusy(true);
      void ask(question).then((answer) => {
        setReply(answer);
        setBusy(false);
      });
    },
  };
}

export function Failed({ reply }: { reply: Reply | null }) {
  if (reply === null || reply.ok) return null;
  return (
    <div class="fault" role="alert">
      <strong>{reply.code}</strong> {reply.message}
    </div>
  );
}
