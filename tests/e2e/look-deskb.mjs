import { chromium } from 'playwright-core';
const [,, base, out, ...shots] = process.argv;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
const pages = new Map();
async function page_of(role, w, dark, lang) {
  const key = [role, w, dark, lang].join();
  if (pages.has(key)) return pages.get(key);
  const c = await browser.newContext({ viewport: { width: w, height: w === 1024 ? 768 : 900 }, colorScheme: dark ? 'dark' : 'light', locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  await c.addInitScript((l) => localStorage.setItem('yufu.lang', l), lang);
  const p = await c.newPage();
  p.on('pageerror', (e) => console.log('PAGEERROR', String(e)));
  p.on('console', (m) => m.type() === 'error' && console.log('CONSOLE', p.url(), m.text()));
  await p.goto(`${base}/staff/login`);
  await p.fill('input[autocomplete=username]', role);
  await p.fill('input[type=password]', 'yufu-demo');
  await p.keyboard.press('Enter');
  await p.waitForSelector('nav.side a', { state: 'attached' });
  pages.set(key, p);
  return p;
}
for (const s of shots) {
  const [name, at, role = 'admin', w = '1440', mode = 'light', lang = 'zh', act = ''] = s.split('|');
  const p = await page_of(role, Number(w), mode === 'dark', lang);
  try {
    await p.goto(`${base}/staff${at}`);
    await p.waitForFunction(() => !document.querySelector('.bone') && document.querySelector('#main'), null, { timeout: 30000 });
    await p.waitForTimeout(700);
    for (const a of act.split(';').filter(Boolean)) {
      const [verb, sel, text] = a.split('~');
      if (verb === 'click') await p.click(sel, { timeout: 8000 });
      if (verb === 'fill') await p.fill(sel, text);
      if (verb === 'key') await p.keyboard.press(sel);
      if (verb === 'pdf') await p.pdf({ path: `${out}/${name}.pdf` });
      if (verb === 'print') await p.emulateMedia({ media: 'print' });
      await p.waitForTimeout(900);
    }
  } catch (e) { console.log('FAIL', name, String(e).slice(0, 200)); }
  await p.screenshot({ path: `${out}/${name}.png` });
  await p.emulateMedia({ media: 'screen' });
}
await browser.close();
