import { defineConfigWithVueTs, vueTsConfigs } from '@vue/eslint-config-typescript'
import pluginVue from 'eslint-plugin-vue'

// Biome lints and formats TypeScript, CSS and JSON; ESLint is here for what Biome cannot see: Vue templates.
export default defineConfigWithVueTs(
  { ignores: ['dist/', 'node_modules/', 'src/api/generated.ts'] },
  pluginVue.configs['flat/recommended'],
  vueTsConfigs.recommended,
  {
    files: ['src/**/*.vue'],
    rules: {
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/no-bare-strings-in-template': [
        'error',
        {
          allowlist: [
            '·',
            '–',
            '—',
            '→',
            '/',
            ':',
            '×',
            '+',
            '−',
            '(',
            ')',
            ',',
            '…',
            'davit',
            'davit.toml',
            '@',
            '#',
            '*',
          ],
        },
      ],
      'vue/no-v-html': 'error',
      'vue/require-default-prop': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always', normal: 'always', component: 'always' } }],
      'vue/html-closing-bracket-newline': ['error', { singleline: 'never', multiline: 'always' }],
      'vue/first-attribute-linebreak': 'off',
    },
  },
)
