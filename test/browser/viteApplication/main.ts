import "../../platform-browser/page/programs.ts"
