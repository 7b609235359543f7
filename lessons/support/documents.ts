// Some documents to process, so that nobody has to bring any.

export type Document = { name: string; text: string };

export const documents: readonly Document[] = [
  { name: 'minutes.txt', text: 'The team met on Monday and agreed on a date.' },
  { name: 'invoice.txt', text: 'Forty chairs, delivered on the third of May.' },
  { name: 'letter.txt', text: 'Thank you for your letter; the answer is yes.' },
];

/** A longer list, for work that takes a while. */
export const tenDocuments: readonly Document[] = [
  ...documents,
  { name: 'contract.txt', text: 'The room is rented from June to August.' },
  { name: 'report.txt', text: 'The roof is dry again, and the cellar is not.' },
  { name: 'agenda.txt', text: 'First the budget, then the garden, then lunch.' },
  { name: 'offer.txt', text: 'Twelve lamps at the price of ten.' },
  { name: 'reminder.txt', text: 'The second payment was due last week.' },
  { name: 'recipe.txt', text: 'Two eggs, some flour, and an hour of patience.' },
  { name: 'postcard.txt', text: 'The weather is fine, and so is the soup.' },
];
