import { type ApiClient, SignedOutError } from '@sallyport/client';
import { byId, make, sayAlert, sayStatus } from '@sallyport/example-kit/page/element';
import { firstMissing, markInvalid, valuesOf, whileBusy } from '@sallyport/example-kit/page/fields';
import { currency, formatMoney, parseMoney } from './money.ts';
import { addMonths, dayName, dayOf, monthName, monthOf } from './months.ts';
import { problemText } from './texts.ts';

const categories = {
  food: 'Food',
  home: 'Home',
  transport: 'Transport',
  health: 'Health',
  fun: 'Fun',
  other: 'Other',
} as const;
type Category = keyof typeof categories;

interface Expense {
  readonly id: string;
  readonly day: string;
  readonly amount_minor: number;
  readonly category: Category;
  readonly note: string;
}

export interface Ledger {
  /** Shows the current month of whoever is signed in now. */
  open(): Promise<void>;
  /** Forgets what was shown. */
  close(): void;
}

/** The month: total, categories, entries, and the form that adds one. The server holds them; this is a view of its last answer. */
export const createLedger = (api: ApiClient, today: () => Date): Ledger => {
  const form = byId<HTMLFormElement>('expense-form');
  const amount = byId<HTMLInputElement>('amount');
  let month = monthOf(dayOf(today()));
  let expenses: readonly Expense[] = [];
  /** Rises with each load: an answer to an older one is not shown. */
  let loads = 0;

  const load = async (wanted: string): Promise<void> => {
    loads += 1;
    const mine = loads;
    month = wanted;
    byId('month-name').textContent = monthName(month);
    const answer = await api.get(`/api/expenses?month=${month}`);
    if (mine !== loads) return;
    expenses = answer['expenses'] as readonly Expense[];
    render();
  };

  const render = (): void => {
    renderTotals(expenses);
    byId('empty').hidden = expenses.length > 0;
    byId('entries').replaceChildren(...expenses.map((expense) => entryElement(expense, () => remove(expense))));
  };

  const add = async (): Promise<void> => {
    byId('expense-error').textContent = '';
    const missing = firstMissing(form);
    if (missing !== undefined) return missing.focus();
    const { day = '', category = '', note = '', amount: typed = '' } = valuesOf(form);
    const minor = parseMoney(typed);
    if (minor === undefined) {
      markInvalid(amount, `Please write an amount, such as ${formatMoney(1250)}.`);
      return amount.focus();
    }
    await api.post('/api/expenses', { day, category, note, amount_minor: minor });
    await load(monthOf(day));
    sayStatus(`Added: ${note || categories[category as Category]}, ${formatMoney(minor)}.`);
    amount.value = '';
    byId<HTMLInputElement>('note').value = '';
    amount.focus();
  };

  const remove = async (expense: Expense): Promise<void> => {
    const position = expenses.indexOf(expense);
    await api.delete(`/api/expenses/${expense.id}`);
    await load(month);
    sayStatus(`Deleted: ${nameOf(expense)}, ${formatMoney(expense.amount_minor)}.`);
    // The focus stays where the work is: at the entry that took the place.
    const buttons = byId('entries').querySelectorAll('button');
    (buttons[Math.min(position, buttons.length - 1)] ?? byId('entries-name')).focus();
  };

  const turn = (count: number) => (): void => attempt(() => load(addMonths(month, count)));
  byId('month-back').addEventListener('click', turn(-1));
  byId('month-on').addEventListener('click', turn(1));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void whileBusy(form, () =>
      add().catch((error: unknown) => {
        if (!(error instanceof SignedOutError)) byId('expense-error').textContent = problemText(error);
      }),
    );
  });
  byId('category').replaceChildren(...Object.entries(categories).map(([value, name]) => new Option(name, value)));
  byId('currency-name').textContent = new Intl.DisplayNames(undefined, { type: 'currency' }).of(currency) ?? currency;

  return {
    open: () => {
      byId<HTMLInputElement>('day').value = dayOf(today());
      return load(monthOf(dayOf(today())));
    },
    close: () => {
      loads += 1;
      expenses = [];
      form.reset();
      render();
    },
  };
};

/** What goes wrong is said; an ended session is the door's matter. */
const attempt = (work: () => Promise<void>): void => {
  work().catch((error: unknown) => {
    if (!(error instanceof SignedOutError)) sayAlert(problemText(error));
  });
};

const nameOf = ({ note, category }: Expense): string => note || categories[category];

const renderTotals = (expenses: readonly Expense[]): void => {
  const total = sum(expenses);
  byId('total').textContent = formatMoney(total);
  const groups = Map.groupBy(expenses, ({ category }) => category);
  const rows = [...groups].map(([category, each]) => ({ category, minor: sum(each) }));
  rows.sort((a, b) => b.minor - a.minor);
  byId('by-category').replaceChildren(...rows.map(({ category, minor }) => categoryElement(category, minor, total)));
};

const sum = (expenses: readonly Expense[]): number =>
  expenses.reduce((total, { amount_minor }) => total + amount_minor, 0);

const categoryElement = (category: Category, minor: number, total: number): HTMLElement => {
  const fill = make('span');
  fill.style.width = `${(100 * minor) / total}%`;
  return make(
    'li',
    { class: category },
    make('span', { text: categories[category] }),
    make('span', { class: 'amount-text', text: formatMoney(minor) }),
    make('div', { class: 'bar', hidden: 'from-readers' }, fill),
  );
};

const entryElement = (expense: Expense, onDelete: () => Promise<void>): HTMLElement => {
  const { category, day, amount_minor } = expense;
  const name = nameOf(expense);
  const button = make('button', {
    class: 'delete',
    text: '×',
    label: `Delete ${name}, ${formatMoney(amount_minor)}`,
  });
  button.type = 'button';
  button.addEventListener('click', () => attempt(onDelete));
  const when = make('span', { class: 'entry-when', text: `${dayName(day)} · ${categories[category]}` });
  return make(
    'li',
    { class: `entry ${category}` },
    make('span', { class: 'dot', hidden: 'from-readers' }),
    make('span', { class: 'entry-what', text: name }, when),
    make('span', { class: 'amount-text', text: formatMoney(amount_minor) }),
    button,
  );
};
