export const mistakes = [];
