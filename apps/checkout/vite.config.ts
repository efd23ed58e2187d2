import { defineConfig } from "vite";

// Fixed names: crates/web/build.rs adds the digest of the content to the address.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    outDir: "dist",
    emptyOutDir: true,
    cssMinify: "lightningcss",
    modulePreload: false,
    reportCompressedSize: true,
    rolldownOptions: {
      input: { checkout: "src/main.ts" },
      output: {
        entryFileNames: "[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
});
