// Run by scripts/check-report: node check-report.mjs TOOLS FOLDER NAME...
// Validates FOLDER/NAME.html, lets axe-core look at it in Chromium, and takes pictures.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, folder, ...names] = process.argv.slice(2);
const need = createRequire(join(tools, "package.json"));
const { HtmlValidate } = need("html-validate");
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

const problems = [];
const validator = new HtmlValidate({
    extends: ["html-validate:recommended", "html-validate:a11y"],
    // maud writes <!DOCTYPE html> and void elements without a slash; long titles and inline styles are the page's own matter.
    rules: { "doctype-style": "off", "no-inline-style": "error", "long-title": "off" },
});
for (const name of names) {
    const report = await validator.validateString(readFileSync(join(folder, `${name}.html`), "utf8"));
    for (const result of report.results) {
        for (const m of result.messages) problems.push(`${name}.html:${m.line}:${m.column}: ${m.ruleId}: ${m.message}`);
    }
}

const profile = mkdtempSync(join(tmpdir(), "check-report-"));
const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: true,
    bypassCSP: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
});
const looks = [
    { label: "wide", width: 1280, height: 900, media: "screen", colorScheme: "light" },
    { label: "wide-dark", width: 1280, height: 900, media: "screen", colorScheme: "dark" },
    { label: "narrow", width: 390, height: 844, media: "screen", colorScheme: "light" },
    { label: "narrow-dark", width: 390, height: 844, media: "screen", colorScheme: "dark" },
    { label: "smallest", width: 360, height: 740, media: "screen", colorScheme: "light" },
    { label: "paper", width: 794, height: 1123, media: "print", colorScheme: "dark" },
];
const page = await context.newPage();
page.on("request", (request) => {
    if (!request.url().startsWith("file:")) problems.push(`asks for ${request.url()}`);
});
page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
});
for (const name of names) {
    const url = pathToFileURL(join(folder, `${name}.html`)).href;
    for (const { label, width, height, media, colorScheme } of looks) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ media, colorScheme });
        await page.goto(url);
        await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
        for (const violation of found.violations) {
            const where = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ");
            const line = `${name}.html, ${label}: axe ${violation.impact}: ${violation.id}: ${violation.help} (${where})`;
            if (["serious", "critical"].includes(violation.impact)) problems.push(line);
            else console.log(`note: ${line}`);
        }
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (media === "screen" && tooWide > 0) problems.push(`${name}.html, ${label}: ${tooWide} pixels too wide`);
        await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = false)));
        if (media === "screen") await page.screenshot({ path: join(folder, `${name}-${label}.png`), fullPage: true });
    }
    const pdf = join(folder, `${name}.pdf`);
    await page.pdf({ path: pdf, preferCSSPageSize: true });
    execFileSync("pdftoppm", ["-r", "70", "-png", pdf, join(folder, `${name}-paper`)]);
}
await context.close();
rmSync(profile, { recursive: true, force: true });
problems.forEach((problem) => console.log(problem));
console.log(`${names.length} pages, ${looks.length} looks each: ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
