// Some documents to process, so that nobody has to bring any.

export type Document = { name: string; text: string };

export const documents: readonly Document[] = [
  { name: 'minutes.txt', text: 'The team met on Monday and agreed on a date.' },
  { name: 'invoice.txt', text: 'Forty chairs, delivered on the third of May.' },
  { name: 'letter.txt', text: 'Thank you for your letter; the answer is yes.' },
];
