/** What holds the documentation to the code (`scripts/docs.ts`): it finds each kind of mistake. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { blocksOfModule, blocksOfPage, isPrinted } from "../../scripts/docsBlocks.ts"
import { checkLinks } from "../../scripts/docsLinks.ts"
import { temporaryDirectory } from "../support/childPrograms.ts"

const fence = "```"

describe("the blocks of a page", () => {
  it("are those of TypeScript, each with its line, its prelude and its kind", () => {
    const page = [
      "# A page",
      "",
      `${fence}sh`,
      "npm start",
      fence,
      "",
      `${fence}ts`,
      "const one = 1",
      fence,
      "",
      "<!-- prelude",
      "declare const two: number",
      "-->",
      "<!-- run -->",
      "",
      `${fence}ts`,
      "console.log(two)",
      fence,
      "",
      "<!-- prints -->",
      "",
      `${fence}text`,
      "2",
      fence,
      `${fence}ts`,
      `import { it } from "@effect/vitest"`,
      fence
    ].join("\n")
    assert.deepStrictEqual(
      blocksOfPage("a.md", page).map(({ kind, line, prelude, prints }) => [kind, line, prelude, prints]),
      [
        ["compile", 8, "", undefined],
        ["run", 17, "declare const two: number", "2"],
        ["test", 26, "", undefined]
      ]
    )
  })

  it("a comment belongs to the block that it stands before, and to no later one", () => {
    const page = `<!-- run -->\n\nsome text\n\n${fence}ts\nconst one = 1\n${fence}`
    assert.deepStrictEqual(blocksOfPage("a.md", page).map(({ kind }) => kind), ["compile"])
  })

  it("what is printed needs a program before it", () => {
    const page = `${fence}ts\nconst one = 1\n${fence}\n<!-- prints -->\n${fence}text\n1\n${fence}`
    assert.throws(() => blocksOfPage("a.md", page), "a.md:6: no program that is run prints this")
  })

  it("none escapes by another name, or by a comment that is misspelt", () => {
    assert.throws(
      () => blocksOfPage("a.md", `${fence}typescript\nconst one = 1\n${fence}`),
      "a.md:2: code that nobody compiles"
    )
    assert.throws(
      () => blocksOfPage("a.md", `<!-- runs -->\n${fence}ts\nconst one = 1\n${fence}`),
      "a.md:3: <!-- runs --> says nothing of a block"
    )
  })

  it("those of a module stand in its comments", () => {
    const module = `/**\n * Adds.\n *\n * ${fence}ts\n * const sum = add(1, 2)\n * ${fence}\n */\nexport const add = 1`
    assert.deepStrictEqual(blocksOfModule("a.ts", module).map(({ code, line }) => [code, line]), [
      ["const sum = add(1, 2)", 5]
    ])
  })
})

describe("what is printed", () => {
  it("is compared to the letter, but for …", () => {
    assert.isTrue(isPrinted("a (b)\nid: …, done\n", "a (b)\nid: 17, done\n"))
    assert.isFalse(isPrinted("a (b)", "a b"))
    assert.isFalse(isPrinted("a …", "a b\nc"))
    assert.isFalse(isPrinted("a", "a\nb"))
  })
})

describe("links", () => {
  it.live("lead to files and headings that are there", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const page = Path.join(folder, "page.md")
      Fs.writeFileSync(Path.join(folder, "other.md"), `# One \`two\` & three!\n\n## Again\n\n## Again\n`)
      Fs.writeFileSync(
        page,
        [
          "# Here",
          "[a](other.md) [b](other.md#one-two--three) [c](other.md#again-1) [d](#here) [e](https://example.com)",
          "`[not](a-link.md)`",
          `${fence}\n[not](a-link.md)\n# not-a-heading\n${fence}`,
          "[f](missing.md)",
          "[g](other.md#again-2)",
          "[h](#not-a-heading)",
          "[i](http://example.com)",
          "[j]: missing-too.md"
        ].join("\n")
      )
      const { links, problems } = yield* Effect.promise(() => checkLinks([page]))
      assert.strictEqual(links, 10)
      assert.deepStrictEqual(problems.map((problem) => problem.split(": ").slice(1).join(": ")), [
        "missing.md: there is no such file",
        "other.md#again-2: there is no such heading",
        "#not-a-heading: there is no such heading",
        "http://example.com: only https links leave the repository",
        "missing-too.md: there is no such file"
      ])
    }))
})

/** Runs the script over one page. */
const checkPage = (text: string) =>
  Effect.gen(function*() {
    const page = Path.join(yield* temporaryDirectory, "page.md")
    Fs.writeFileSync(page, text)
    return yield* Effect.promise(() =>
      new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
        const script = fileURLToPath(new URL("../../scripts/docs.ts", import.meta.url))
        const child = spawn(process.execPath, [script, "--page", page], { stdio: ["ignore", "pipe", "pipe"] })
        let output = ""
        child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
        child.stderr.on("data", (chunk: Buffer) => output += chunk.toString())
        child.once("close", (code) => resolve({ code, output }))
      })
    )
  })

describe("the script", () => {
  it.live("names the page and the line of what does not compile", () =>
    Effect.gen(function*() {
      const { code, output } = yield* checkPage(
        `<!-- prelude\ndeclare const one: string\n-->\n\n${fence}ts\nconst a = one\nconst b: number = one\n${fence}\n`
      )
      assert.strictEqual(code, 1)
      assert.match(output, /page\.md:7: error TS2322/)
    }), 60_000)

  it.live(
    "says which program failed, which printed something else, and which test failed",
    () =>
      Effect.gen(function*() {
        const program = (code: string) => `<!-- run -->\n${fence}ts\n${code}\n${fence}\n`
        const { code, output } = yield* checkPage(
          program(`console.log("what it prints")`) +
            `<!-- prints -->\n${fence}text\nsomething else\n${fence}\n` +
            program(`throw new Error("it failed")`) +
            program(`console.log("https://op.example.com")`) +
            `<!-- prints -->\n${fence}text\nhttps://op.example.com\n${fence}\n` +
            `${fence}ts\nimport { assert, it } from "@effect/vitest"\nit("fails", () => assert.fail("the test"))\n${fence}\n`
        )
        assert.strictEqual(code, 1)
        assert.match(output, /page\.md:3: the program printed something else:\nwhat it prints/)
        assert.match(output, /page\.md:11: the program ended with code 1:\n/)
        assert.notMatch(output, /page\.md:15/)
        assert.include(output, "× fails")
      }),
    60_000
  )
})
