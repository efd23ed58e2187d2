import { defineConfig } from "vite";

// One classic script and one style under the names that shops load.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    outDir: "dist",
    emptyOutDir: true,
    cssMinify: "lightningcss",
    lib: {
      entry: "src/main.ts",
      name: "EPayWidget",
      formats: ["iife"],
      fileName: () => "merchant.js",
      cssFileName: "merchant",
    },
  },
});
