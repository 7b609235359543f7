import { client, server, type Mistake } from '../proof/mistake.ts';

export const mistakes: Mistake[] = [server(1, 'no-output-schema', ['          outputSchema: z.toJSONSchema(output),\n', ''])];
void client;
