// The buttons beside a lesson: one record a button. The markup, the list of keys and the routes are made from this list;
// where a record needs something to be done, the types in server.ts ask for it.

export type Action = {
  /** The last part of its address: where it posts to, or the page that it opens over the lesson. */
  name: string;
  label: string;
  /** The key that presses it. */
  key: string;
  /** What the list of keys says about it. */
  does: string;
} & (
  | { opens: 'page' }
  | {
      opens: 'nothing';
      /** What the button says until the reader has answered. */
      busy: string;
      /** What a dialog asks before. */
      asks?: { title: string; text: string; yes: string; no: string };
    }
);

/** The first is what a learner does most, and stands apart. */
export const actions = [
  {
    name: 'check',
    label: 'Check',
    key: 'c',
    does: 'check the lesson now',
    opens: 'nothing',
    busy: 'Checking …',
  },
  { name: 'hints', label: 'Hint', key: 'h', does: 'a hint', opens: 'page' },
  { name: 'diff', label: 'My changes', key: 'd', does: 'what you have changed', opens: 'page' },
  { name: 'solution', label: 'Solution', key: 's', does: 'the solution', opens: 'page' },
  {
    name: 'reset',
    label: 'Reset',
    key: 'x',
    does: 'back to the starter (asks first)',
    opens: 'nothing',
    busy: 'Resetting …',
    asks: {
      title: 'Back to the starter?',
      text: '`server.ts` and `client.ts` of this lesson become the files that you began with. What is in them now is saved first.',
      yes: 'Reset',
      no: 'Keep my files',
    },
  },
] as const satisfies readonly Action[];

type Known = (typeof actions)[number];
/** The actions that change something: each is a POST to its address. */
export type Change = Extract<Known, { opens: 'nothing' }>['name'];
/** The actions that open a page. */
export type Opening = Extract<Known, { opens: 'page' }>['name'];

/** What the page says when a change is made; a command is shown so that it can be copied. */
export type Notice = { text: string; command?: string };
