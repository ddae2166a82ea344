{
  # node-gyp, electron-rebuild and npm's fallback come in here; CMake does the work. The output named below never
  # appears, so that make always asks CMake, and CMake decides what is out of date.
  'targets': [
    {
      'target_name': 'npu_bench',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake',
          'message': 'Building the native addon with CMake',
          'inputs': [],
          'outputs': ['<(PRODUCT_DIR)/npu_bench.always'],
          'action': [
            'node', '<(module_root_dir)/scripts/build-native.cjs',
            '--arch=<(target_arch)', '--config=<(CONFIGURATION_NAME)'
          ]
        }
      ]
    }
  ]
}
