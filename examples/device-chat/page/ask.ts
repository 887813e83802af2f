import { byId } from '@sallyport/example-kit/page/element';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly yes: string;
}

/** Asks before what cannot be taken back. The dialog keeps the focus, and gives it back to where it was. */
export const ask = ({ title, text, yes }: Question): Promise<boolean> => {
  const dialog = byId<HTMLDialogElement>('ask');
  byId('ask-name').textContent = title;
  byId('ask-text').textContent = text;
  byId('ask-yes').textContent = yes;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  dialog.returnValue = '';
  dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  dialog.showModal();
  return promise;
};

export const wireAsk = (): void => {
  const dialog = byId<HTMLDialogElement>('ask');
  byId('ask-yes').addEventListener('click', () => dialog.close('yes'));
  byId('ask-no').addEventListener('click', () => dialog.close());
};
